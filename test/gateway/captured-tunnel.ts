// Runs in the gateway's network namespace; the client is a `connect` process in the one that is named. Captures one session with the
// command, from its first frame to its last: pings and TCP both ways. Reports as one JSON line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { startCommand } from '../cli/start-command.ts';
import { GatewayProcess } from './gateway-process.ts';
import { HoldingRelay } from './holding-relay.ts';
import { createSite, PASSWORD, USER } from './site.ts';

export interface CapturedTunnelReport {
  /** Of the command `capture`. */
  readonly code: number | null;
  readonly stderr: string;
  readonly address: string;
  /** Bytes by TCP, in each direction. */
  readonly transferred: number;
}

const TRANSFERRED = 300_000;

const GATEWAY = '10.66.0.1';
/** For `node -e`: PORT. */
const TRANSFER = `
  const socket = require('node:net').connect({ host: '${GATEWAY}', port: Number(process.argv[1]) });
  let received = 0;
  socket.on('data', chunk => (received += chunk.length));
  socket.on('end', () => process.exit(received === ${TRANSFERRED} ? 0 : 1));
  socket.end(Buffer.alloc(${TRANSFERRED}, 'up'));
`;

const [, , clientNamespace, gatewayAddress, output, ...flags] = process.argv;
const site = await createSite({
  network: { mode: 'tun', device: 'cap', ipv4: { pool: ['10.66.0.0/16'], gateway: GATEWAY } },
});
const gateway = await GatewayProcess.start(site);
const relay = await HoldingRelay.listen(gatewayAddress!, { host: '127.0.0.1', port: gateway.port });
/** Answers so many bytes with as many. */
const server = createServer({ allowHalfOpen: true }, socket =>
  socket.on('data', () => undefined).on('end', () => socket.end(Buffer.alloc(TRANSFERRED, 'down'))),
);
server.listen(0, GATEWAY);
await once(server, 'listening');

const trust = ['--certificate-sha256', site.fingerprint, '-u', USER, '-p', PASSWORD];
const client = startCommand(['connect', ...trust, `https://${gatewayAddress}:${relay.port}`], clientNamespace);
await gateway.until(({ sessions }) => sessions['negotiating'] === 1);
const [session] = await gateway.sessions();
const capture = startCommand(['capture', session!.id, '-o', output!, '--admin', gateway.admin, ...flags]);
await gateway.untilLogged('capture started');
relay.letGo();
const printed = await client.untilPrinted(/ is up: address [\d.]+/);

await inClient('ping', '-c', '3', '-i', '0.2', '-W', '5', '-s', '1372', '-M', 'do', GATEWAY);
await inClient(process.execPath, '-e', TRANSFER, String((server.address() as AddressInfo).port));
client.kill('SIGTERM');
await client.ended;
const { code, stderr } = await capture.ended;

server.close();
relay.close();
await gateway.stop();
site.remove();
const [, address] = / address ([\d.]+)/.exec(printed)!;
const report: CapturedTunnelReport = { code, stderr, address: address!, transferred: TRANSFERRED };
console.log(JSON.stringify(report));

async function inClient(...command: string[]): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', clientNamespace!, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${command.join(' ')} failed`);
}
