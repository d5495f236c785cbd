/** Lies in an unpacked artifact once all of it is safe on disk; holds the digest. */
export const completeMark = ".complete";
