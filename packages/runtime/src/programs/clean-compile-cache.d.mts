export function folderOf(installation: string): string;
export function markOf(folder: string): string;
export function cleanCompileCache(base: string): void;
