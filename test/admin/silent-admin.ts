import { pino } from 'pino';
import type { GatewayView } from '../../src/admin/gateway-view.ts';
import { AdminServer } from '../../src/admin/server.ts';

/** An admin plane on loopback, on a free port if none is named, which logs nothing. */
export class SilentAdmin {
  readonly port: number;
  readonly url: string;
  readonly close: () => void;

  private constructor(port: number, close: () => void) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.close = close;
  }

  /** @param token that it asks for; none when not given. */
  static async start(view: GatewayView, token?: string, port = 0): Promise<SilentAdmin> {
    const log = pino({ level: 'silent' });
    const server = new AdminServer({ listen: { host: '127.0.0.1', port }, token, view, log });
    return new SilentAdmin(await server.listen(), () => server.close());
  }
}
