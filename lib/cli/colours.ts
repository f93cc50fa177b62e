import pc from 'picocolors';

/**
 * Colours on a terminal; piped, every byte as it is. (picocolors alone would colour wherever CI is set; and where
 * nobody looks, isTTY is undefined, which createColors takes for its default, yes.)
 */
export const colours = pc.createColors((process.stdout.isTTY ?? false) && pc.isColorSupported);
