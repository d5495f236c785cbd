/** `app.com`; a port is named where it is not the usual one. */
export function bindingWords({
  binding,
  bindingPort,
}: {
  readonly binding: string;
  readonly bindingPort: number;
}): string {
  return [0, 80, 443].includes(bindingPort) ? binding : `${binding}:${bindingPort}`;
}
