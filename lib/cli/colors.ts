import pc from 'picocolors';

/**
 * Colors on a terminal only. (picocolors alone also colors wherever CI is set; and `isTTY` is undefined for pipes, which
 * createColors would replace by its default, true.)
 */
export const colors = pc.createColors((process.stdout.isTTY ?? false) && pc.isColorSupported);
