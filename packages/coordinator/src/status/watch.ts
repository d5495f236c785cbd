import { canonicalJson } from "@sluice/core";
import type { Bell } from "../bell.ts";
import { type LoggedEvent, readEvents } from "../store/event-log.ts";
import type { Store } from "../store/store.ts";

/** Events read at once: a slow reader costs this much memory. */
const pageSize = 200;

/** The event log after `afterSeq`; with `follow`, also as it grows, until `signal` aborts. */
export async function* watchEvents(
  store: Store,
  changed: Bell,
  afterSeq: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncIterable<LoggedEvent> {
  let seq = afterSeq;
  while (!signal.aborted) {
    const heard = changed.rings;
    const page = readEvents(store, seq, pageSize);
    for (const event of page) {
      yield event;
      seq = event.seq;
    }
    if (page.length > 0) continue;
    if (!follow) return;
    await changed.wait(heard, signal);
  }
}

/** What `look` sees now, then again whenever that has changed, up to and with what is `last`. */
export async function* watchValue<T>(
  look: () => { readonly value: T; readonly last: boolean },
  changed: Bell,
  signal: AbortSignal,
): AsyncIterable<T> {
  let shown: string | undefined;
  while (!signal.aborted) {
    const heard = changed.rings;
    const { value, last } = look();
    const text = canonicalJson(value);
    if (text !== shown) yield value;
    if (last) return;
    shown = text;
    await changed.wait(heard, signal);
  }
}
