/** The `capture` command: what the admin plane streams goes to a file or to standard output, and is summed up at its end. */
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { fileProblem } from '../config/config-error.ts';
import { parseStatistics } from '../wire/pcapng.ts';
import { AdminClient } from './admin-client.ts';
import type { CaptureFlags } from './capture.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { formatBytes } from './table.ts';

const PCAPNG_TYPE = 'application/x-pcapng';
/** The last block of a capture has less. */
const TAIL_LENGTH = 1024;
/** What passes through tunnels is not for every user of this machine. */
const FILE_MODE = 0o600;
const PARAMETERS = ['seconds', 'bytes', 'packets', 'snaplen', 'auth'] as const;

/** @throws CommandError */
export async function capture(id: string, flags: CaptureFlags): Promise<void> {
  const { output } = flags;
  if (output === undefined && process.stdout.isTTY) {
    throw new CommandError('a capture is no text for a terminal: -o FILE, or a pipe to tshark -r -', ExitCode.Usage);
  }
  const client = new AdminClient(flags);
  const path = `/api/v1/sessions/${encodeURIComponent(id)}/capture`;
  const response = await client.stream(`${path}?${query(flags)}`, PCAPNG_TYPE);
  // In good order at first; a second signal of the same kind ends the process at once.
  const stop = (): void => void client.request('DELETE', path).catch(() => response.destroy());
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    console.error(await copy(response, output));
  } finally {
    for (const signal of signals) process.off(signal, stop);
    response.destroy();
  }
}

function query(flags: CaptureFlags): string {
  const parameters = new URLSearchParams();
  for (const name of PARAMETERS) if (flags[name] !== undefined) parameters.set(name, String(flags[name]));
  return parameters.toString();
}

/** @returns what has come, in words */
async function copy(response: IncomingMessage, file: string | undefined): Promise<string> {
  let total = 0;
  let tail = Buffer.alloc(0);
  const watch = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      total += chunk.length;
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_LENGTH);
      yield chunk;
    }
  };
  const target = file === undefined ? process.stdout : createWriteStream(file, { mode: FILE_MODE });
  try {
    await pipeline(response, watch, target, { end: file !== undefined });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (response.errored !== null && response.errored === error) {
      throw new CommandError(`the gateway broke off the capture after ${formatBytes(total)}`);
    }
    // Wireshark was closed, or head has seen enough.
    if (file === undefined && code === 'EPIPE') return `${formatBytes(total)}; nobody reads on`;
    if (file !== undefined && syscall !== undefined) throw new CommandError(`${file}: ${fileProblem(error)}`);
    throw error;
  }
  const counts = parseStatistics(tail);
  // Without its last block the end came from a worker that was lost.
  if (counts === undefined) return `${formatBytes(total)}; the session was lost`;
  const { received, dropped, comment } = counts;
  const missing = dropped === 0 ? '' : `, ${dropped} more are missing: this reader was too slow`;
  return `${received - dropped} frames, ${formatBytes(total)}${missing}; ${comment}`;
}
