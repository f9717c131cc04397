/** Bytes that come as they are made. */
export interface ByteStream {
  /**
   * The next part, undefined at the end. To ask for one says that the last one has been passed on: whoever makes them need not keep more
   * ready than its own bound. Asked for one at a time.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Nobody will read on. Nothing happens at the end. */
  cancel(): void;
}
