interface NamedBinding {
  readonly name: string;
  readonly bindingPort: number;
}

/** Finds the binding of a request by its name and the binding port it came in on; there is no default binding. */
export interface BindingIndex<B extends NamedBinding> {
  /** `name` as {@link parseHostName} gives it. */
  match(name: string, bindingPort: number): B | undefined;
}

/**
 * The port a client writes in Host is not looked at: an edge in front may listen on another one. What counts is the
 * binding port of the listener that took the connection. An exact name wins over `*.example.com`, which stands for
 * exactly one label.
 */
export function createBindingIndex<B extends NamedBinding>(bindings: readonly B[]): BindingIndex<B> {
  const byPort = new Map<number, Map<string, B>>();
  for (const binding of bindings) {
    const names = byPort.get(binding.bindingPort) ?? new Map<string, B>();
    names.set(binding.name.toLowerCase(), binding);
    byPort.set(binding.bindingPort, names);
  }
  return {
    match(name, bindingPort) {
      const names = byPort.get(bindingPort);
      return names?.get(name) ?? names?.get(`*${name.slice(name.indexOf("."))}`);
    },
  };
}
