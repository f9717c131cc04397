// A real FreeRADIUS on loopback that authenticates by every method and writes down what it is told, with its own raddb,
// certificates and ports.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RadiusServerOptions } from '../../src/config/radius-options.ts';
import { freePort, FreeradiusProcess, preamble } from './freeradius-process.ts';

const FREERADIUS_SECRET = 'testing123';

export interface FreeradiusSetup {
  /** Entries of its `users` file: for each a line `name Cleartext-Password := "..."` and replies below it. */
  readonly users: string;
  /** Where it listens; 127.0.0.1 when not given. */
  readonly address?: '127.0.0.1' | '::1';
  /** The EAP method that it offers first; EAP-MSCHAPv2 when not given. */
  readonly eapType?: 'mschapv2' | 'tls';
  /** Network namespace that it runs in. */
  readonly namespace?: string;
  /** FreeRADIUS before 3.2.5 puts Message-Authenticator into replies only when it is told to, or for EAP. */
  readonly omitsMessageAuthenticator?: boolean;
}

export class Freeradius {
  readonly authPort: number;
  readonly acctPort: number;
  /** Certificates: `ca.pem`, `client.pem` with `client.key` (its name is `eap-tls-user`). */
  readonly directory: string;
  readonly #address: '127.0.0.1' | '::1';
  readonly #process: FreeradiusProcess;

  /** Resolves when it answers. */
  static async start(setup: FreeradiusSetup): Promise<Freeradius> {
    const server = new Freeradius(setup, await freePort(), await freePort());
    await server.restart();
    return server;
  }

  private constructor(setup: FreeradiusSetup, authPort: number, acctPort: number) {
    this.authPort = authPort;
    this.acctPort = acctPort;
    this.#address = setup.address ?? '127.0.0.1';
    this.directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-freeradius-'));
    this.#process = new FreeradiusProcess(this.directory, setup.namespace);
    makeCertificates(this.directory);
    mkdirSync(join(this.directory, 'tmp'));
    writeFileSync(join(this.directory, 'users'), setup.users);
    writeFileSync(
      join(this.directory, 'radiusd.conf'),
      configuration({
        directory: this.directory,
        address: this.#address,
        authPort,
        acctPort,
        secret: FREERADIUS_SECRET,
        omitsMessageAuthenticator: setup.omitsMessageAuthenticator ?? false,
        eapType: setup.eapType ?? 'mschapv2',
      }),
    );
  }

  /** While it runs. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How a client is told of this server. */
  options(changes: Partial<RadiusServerOptions> = {}): RadiusServerOptions {
    return {
      host: this.#address,
      authPort: this.authPort,
      acctPort: this.acctPort,
      secret: new TextEncoder().encode(FREERADIUS_SECRET),
      priority: 0,
      requestLimit: 256,
      deadTimeMs: 60_000,
      requireMessageAuthenticator: true,
      ...changes,
    };
  }

  /** What it was told in Access-Requests since the start: a paragraph each, an attribute a line. */
  requests(): string[] {
    return paragraphs(join(this.directory, 'auth-detail'));
  }

  /** What it was told in Accounting-Requests. */
  accounting(): string[] {
    return paragraphs(join(this.directory, 'acct-detail'));
  }

  /** Ends it at once; {@link restart} makes it answer again, on the same ports. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  restart(): Promise<void> {
    return this.#process.start();
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true });
  }
}

function paragraphs(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n\n')
    .filter(block => block.trim() !== '');
}

/** One authority, a server that is called radius.example, and a client. */
function makeCertificates(directory: string): void {
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const authority = ['-x509', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30', '-subj', '/CN=Test CA'];
  openssl('req', ...key, ...authority);
  for (const [name, subject, usage] of [
    ['server', 'radius.example', 'serverAuth'],
    ['client', 'eap-tls-user', 'clientAuth'],
  ] as const) {
    writeFileSync(join(directory, `${name}.ext`), `extendedKeyUsage=${usage}\nsubjectAltName=DNS:${subject}\n`);
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`);
    const signed = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-days', '30', '-extfile', `${name}.ext`];
    openssl('x509', '-req', ...signed, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial');
  }
}

interface Layout {
  readonly directory: string;
  readonly address: '127.0.0.1' | '::1';
  readonly authPort: number;
  readonly acctPort: number;
  readonly secret: string;
  readonly omitsMessageAuthenticator: boolean;
  readonly eapType: string;
}

/** Methods without a directory of users behind them: what the users file says is all that there is. */
function configuration(layout: Layout): string {
  const { directory, address, authPort, acctPort, secret } = layout;
  const seal = layout.omitsMessageAuthenticator ? '' : 'update reply {\n Message-Authenticator := 0x00\n }';
  const family = address === '::1' ? 'ipv6addr' : 'ipaddr';
  return `
${preamble(directory)}
client local {
  ${family} = ${address}
  secret = ${secret}
  require_message_authenticator = yes
}
modules {
  pap {
  }
  chap {
  }
  mschap {
    use_mppe = yes
    require_encryption = no
    with_ntdomain_hack = yes
  }
  files {
    filename = ${directory}/users
  }
  detail auth_log {
    filename = ${directory}/auth-detail
    permissions = 0600
  }
  detail acct_log {
    filename = ${directory}/acct-detail
    permissions = 0600
  }
  eap {
    default_eap_type = ${layout.eapType}
    timer_expire = 60
    ignore_unknown_eap_types = no
    max_sessions = 16384
    md5 {
    }
    tls-config tls-common {
      private_key_file = ${directory}/server.key
      certificate_file = ${directory}/server.pem
      ca_file = ${directory}/ca.pem
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      ecdh_curve = ""
      cache {
        enable = no
      }
    }
    tls {
      tls = tls-common
    }
    ttls {
      tls = tls-common
      default_eap_type = mschapv2
      copy_request_to_tunnel = no
      use_tunneled_reply = yes
      virtual_server = inner
    }
    peap {
      tls = tls-common
      default_eap_type = mschapv2
      copy_request_to_tunnel = no
      use_tunneled_reply = yes
      virtual_server = inner
    }
    mschapv2 {
    }
  }
}
server default {
  listen {
    type = auth
    ${family} = ${address}
    port = ${authPort}
  }
  listen {
    type = acct
    ${family} = ${address}
    port = ${acctPort}
  }
  ${methods('auth_log')}
  post-auth {
    ${seal}
    Post-Auth-Type REJECT {
      ${seal}
    }
  }
  accounting {
    acct_log
  }
}
server inner {
  ${methods()}
}
`;
}

/** What a server does with each method of authentication, after `first`. */
function methods(first = ''): string {
  return `
  authorize {
    ${first}
    chap
    mschap
    eap {
      ok = return
    }
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type MS-CHAP {
      mschap
    }
    eap
  }
`;
}
