/** The `connect` command: one tunnel of the client library, on a TUN device or only to be checked. */
import { createClientRuntime } from '../client/client-runtime.ts';
import { TunnelRefusedError } from '../client/tunnel-refused-error.ts';
import { HttpsOpenError } from '../https/open-error.ts';
import { IpCommandError } from '../tun/ip-command.ts';
import { TunError } from '../tun/tun-device.ts';
import { CommandError } from './command-error.ts';
import { checkTunnel } from './connect-check.ts';
import { runTunnel } from './connect-device.ts';
import { connectPlan } from './connect-options.ts';
import type { ConnectFlags } from './connect.ts';
import { printJson } from './json-output.ts';

/** @throws CommandError when the tunnel does not come up, or is lost */
export async function connect(url: string, flags: ConnectFlags): Promise<void> {
  const interruption = new AbortController();
  const plan = await connectPlan(url, flags, interruption.signal);
  // In good order at first; a second signal of the same kind ends the process at once.
  const interrupt = (): void => interruption.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const json = flags.json === true;
  let works = true;
  try {
    const runtime = await createClientRuntime();
    if (flags.check !== true) await runTunnel(runtime, plan, json);
    else works = await checkTunnel(runtime, plan, json);
  } catch (error) {
    const message = interruption.signal.aborted ? 'interrupted' : explain(error, flags);
    if (message === undefined) throw error;
    if (json) printJson({ ok: false, error: message }, 'line');
    throw new CommandError(message);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
  if (!works) throw new CommandError('the tunnel came up, but no ping was answered');
}

/** What to say about failures that are somebody else's; undefined for those that are this program's. */
function explain(error: unknown, flags: ConnectFlags): string | undefined {
  if (error instanceof TunnelRefusedError && error.reason === 'auth-refused') {
    return `${error.message} (--auth allows ${flags.auth})`;
  }
  if (error instanceof HttpsOpenError && error.code === 'untrusted-certificate' && flags.ca === undefined) {
    return `${error.message} (--ca FILE trusts an authority of your own, --certificate-sha256 this certificate alone)`;
  }
  const isExpected = [CommandError, HttpsOpenError, TunnelRefusedError, TunError, IpCommandError].some(
    kind => error instanceof kind,
  );
  return isExpected ? (error as Error).message : undefined;
}
