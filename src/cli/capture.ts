import type { Command } from 'commander';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

export interface CaptureFlags extends AdminTarget {
  readonly seconds?: string;
  readonly bytes?: string;
  readonly packets?: string;
  readonly snaplen?: string;
  readonly auth?: true;
  readonly output?: string;
}

export function register(program: Command): void {
  withAdminOptions(
    program
      .command('capture')
      .description("copy a session's PPP frames, both directions, into a pcapng file for Wireshark")
      .argument('<id>', 'session id, as `sessions` shows it')
      .option('-o, --output <file>', 'write to this file (default: standard output, which must not be a terminal)')
      .option('--seconds <n>', 'end after so many seconds, 3600 at most (default: 60)')
      .option('--bytes <n>', 'end before the file is larger than this, 1 GiB at most (default: 64 MiB)')
      .option('--packets <n>', 'end after so many frames')
      .option('--snaplen <n>', 'keep only so many bytes of each frame (default: all)')
      .option('--auth', 'keep what PAP, CHAP and EAP exchange; without it zeros stand for that'),
  )
    .addHelpText('after', EXPLANATION)
    .action(async (id: string, flags: CaptureFlags) => {
      const { capture } = await import('./capture-run.ts');
      await capture(id, flags);
    });
}

const EXPLANATION = `
The capture ends with the session, at the first bound that is reached, or with Ctrl-C: then in good order, with the number of frames that
are missing because the file could not be written fast enough. The tunnel never waits for it. Frames are shown as the client sent them
and as they are sent to it: TLS and SSTP around them are taken off. A session can be captured from its beginning to its end, also while
it is still negotiating, by one reader at a time.

With --auth the file is worth a password: MS-CHAPv2 can be broken from its challenge and response, PAP is in plain text.

Examples:
  sstp-gateway capture 6a1b2c3d-1-7f -o alice.pcapng --seconds 30
  sstp-gateway capture 6a1b2c3d-1-7f --seconds 3600 | wireshark -k -i -
  sstp-gateway capture 6a1b2c3d-1-7f --snaplen 64 | tshark -r - -Y 'lcp or ipcp or tcp.analysis.flags'`;
