/** Beside a host's data folder: the id of the boot by which its machine runs. */
export const bootIdFile = (hostDir: string): string => `${hostDir}.boot-id`;

/** Beside a host's data folder: there when its reboot command was run. */
export const rebootAskedFile = (hostDir: string): string => `${hostDir}.reboot-asked`;
