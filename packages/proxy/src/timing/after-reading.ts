/**
 * Has something done by a timer only after what had arrived by then was read. Node calls timers before it reads: after the process
 * stood still (a machine short of everything, a paused VM), whoever sent something meanwhile would be taken for silent. Immediates
 * come after the reading that follows the timers (Node's documentation, "The Node.js event loop": timers, poll, check).
 */
export function afterReading(act: () => void): () => void {
  return () => void setImmediate(act);
}
