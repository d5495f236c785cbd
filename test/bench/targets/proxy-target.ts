/** A running proxy that clients can ask as `localhost`. */
export interface ProxyTarget extends AsyncDisposable {
  readonly name: string;
  /** In the clear. */
  readonly port: number;
  /** Over TLS. */
  readonly securePort: number;
  /** All processes it consists of at this moment. */
  pids(): readonly number[];
}
