/**
 * For `writeAgentProgram`: the program reads intents and ledgers, and tells of its host, as agents did before keepers were units. Texts
 * that are not there any more fail it at once.
 */
const replaced = {
  "/core/src/intent/intent-schema.ts": [
    ["front|agent|keeper|", "front|agent|"],
    [`["agent-program", "keeper-program"]`, `["agent-program"]`],
  ],
  "/agent/src/session/conversation.ts": [["this.#welcome?.keepers === true", "false"]],
} as const satisfies Readonly<Record<string, readonly (readonly [string, string])[]>>;

export const beforeKeepers = `
const { registerHooks } = await import("node:module");
const replaced = ${JSON.stringify(replaced)};
registerHooks({
  load(url, context, next) {
    const found = next(url, context);
    const pairs = Object.entries(replaced).find(([end]) => url.endsWith(end))?.[1];
    if (pairs === undefined) return found;
    let source = String(found.source);
    for (const [now, then] of pairs) {
      if (!source.includes(now)) throw new Error("there is no " + now + " in " + url);
      source = source.replace(now, then);
    }
    return { ...found, source };
  },
});
`;
