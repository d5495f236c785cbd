/** Something that was started. Disposing stops it; `done` reports that it ended by itself. */
export interface Running extends AsyncDisposable {
  /** Settles when the work ends. Rejects if it failed: half a program must not look like a whole one. */
  readonly done: Promise<void>;
}
