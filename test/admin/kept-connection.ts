// A thread whose HTTP client asks for the same path over and over on one connection, whose packets are as long as on a cable: between two
// ends of a loopback they are so long that the kernel has room for nearly every answer at once. Posts what was wrong.
import { Agent, get } from 'node:http';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { parentPort, workerData } from 'node:worker_threads';
import { setSocketOption, type SocketOption } from '../../src/ffi/libc.ts';
import { descriptor } from '../../src/https/unsent-limit.ts';

/** TCP_MAXSEG of tcp(7). */
const SEGMENT_LENGTH: SocketOption = { level: 6, option: 2 };
const CABLE_SEGMENT = 1448;

export interface KeptConnection {
  readonly port: number;
  readonly path: string;
  readonly times: number;
  readonly expected: string;
}

class CableAgent extends Agent {
  override createConnection(): Socket {
    const { port } = workerData as KeptConnection;
    const socket = new Socket();
    return socket.connect({
      port,
      host: 'loopback',
      autoSelectFamily: false,
      lookup: (_host, _options, found) => {
        // Bound already, it has a descriptor; connected, it would be too late.
        (socket as unknown as { _handle: { bind(address: string, port: number): number } })._handle.bind(
          '127.0.0.1',
          0,
        );
        setSocketOption(descriptor(socket), SEGMENT_LENGTH, CABLE_SEGMENT);
        found(null, '127.0.0.1', 4);
      },
    });
  }
}

async function ask(agent: Agent, { port, path }: KeptConnection): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ agent, port, path, host: '127.0.0.1' }, answer => void text(answer).then(resolve, reject)).on(
      'error',
      reject,
    );
  });
}

const wanted = workerData as KeptConnection;
const agent = new CableAgent({ keepAlive: true, maxSockets: 1 });
const wrong: string[] = [];
for (let time = 0; time < wanted.times; time++) {
  try {
    if ((await ask(agent, wanted)) !== wanted.expected) wrong.push('another answer');
  } catch (error) {
    wrong.push((error as Error).message);
  }
}
agent.destroy();
parentPort!.postMessage(wrong);
