import { Problem } from "@sluice/core/problems/problem";

/** One word of a HAProxy configuration, whatever is in it: between single quotes nothing has a meaning (management of quotes, §2.2). */
export function quote(word: string): string {
  if (/[\0\r\n]/.test(word)) {
    throw new Problem(
      "proxy-settings-invalid",
      "cannot write the configuration of haproxy: a value holds a line break",
    );
  }
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Text inside of a log-format, where `%` begins something. */
export const literal = (text: string): string => text.replaceAll("%", "%%");
