// FreeRADIUS' own client, the Debian package freeradius-utils: the sender of CoA-Request and Disconnect-Request.
import { spawn, spawnSync } from 'node:child_process';

/** Why tests with radclient must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function radclientUnavailable(): string | false {
  const missing = spawnSync('radclient', ['-v']).error !== undefined;
  return missing && process.env['CI'] !== 'true'
    ? 'radclient (Debian package freeradius-utils) is not installed'
    : false;
}

/**
 * One request to 127.0.0.1, retransmitted once. `attributes` are lines as `User-Name = "alice"`. The answer is the lines that radclient
 * prints of it: `Received CoA-ACK ...` and the attributes; empty when there was none that proved to know the secret.
 */
export async function radclient(
  kind: 'coa' | 'disconnect',
  port: number,
  secret: string,
  attributes: readonly string[],
): Promise<string[]> {
  const child = spawn('radclient', ['-x', '-r', '2', '-t', '0.5', `127.0.0.1:${port}`, kind, secret], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.end(`${attributes.join('\n')}\n`);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise(resolve => child.once('close', resolve));
  const lines = output.split('\n').map(line => line.trim());
  const received = lines.findIndex(line => line.startsWith('Received '));
  return received < 0 ? [] : lines.slice(received).filter(line => line !== '');
}
