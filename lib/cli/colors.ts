import pc from 'picocolors';

/**
 * Colors on a terminal; piped, every byte as it is. (picocolors alone would color wherever CI is set; and where
 * nobody looks, isTTY is undefined, which createColors takes for its default, yes.)
 */
export const colors = pc.createColors((process.stdout.isTTY ?? false) && pc.isColorSupported);
