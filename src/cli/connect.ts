import { Option, type Command } from 'commander';

/** What the command line says; the meaning of each is in the help below. */
export interface ConnectFlags {
  readonly user: string;
  readonly password?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly certificateSha256?: string;
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly proxy?: string;
  readonly auth: string;
  readonly mtu: string;
  readonly ipv6?: boolean;
  readonly check?: boolean;
  readonly count: string;
  readonly ping?: string;
  readonly device: string;
  readonly route: string[];
  readonly json?: boolean;
}

export function register(program: Command): void {
  program
    .command('connect')
    .summary('bring up a tunnel to an SSTP server')
    .description(
      'Brings up a tunnel to any SSTP server, with a TUN device (needs root or CAP_NET_ADMIN), until it is ' +
        'interrupted or the server ends it. With --check: connects, authenticates, pings the server through the ' +
        'tunnel, disconnects and reports; that needs no privilege.',
    )
    .argument('<url>', 'https://host[:port], the port is 443 unless given')
    .requiredOption('-u, --user <name>', 'user name, or DOMAIN\\name')
    .option('-p, --password <password>', 'password; other users of this machine can see it')
    .option('--password-file <file>', 'file whose first line is the password; - reads standard input')
    .option('--ca <file>', 'trust these certificates (PEM) in place of the system’s')
    .option('--certificate-sha256 <hash>', 'trust exactly the certificate with this SHA-256 fingerprint')
    .option('--insecure', 'accept any certificate: whoever is in between can read everything')
    .option('--server-name <name>', 'name for the TLS server_name extension when it differs from the host')
    .option('--proxy <url>', 'HTTP proxy, http://[user:password@]host[:port], the port is 80 unless given')
    .addOption(
      new Option('--auth <methods>', 'what the server may ask for, by comma: mschapv2, eap, chap, pap').default(
        'mschapv2',
        'mschapv2 only',
      ),
    )
    .option('--mtu <bytes>', 'largest packet', '1400')
    .option('--ipv6', 'ask for IPv6 beside IPv4')
    .option('--check', 'connect, ping, disconnect, report')
    .option('--count <n>', 'with --check: pings to send', '3')
    .option('--ping <address>', 'with --check: what to ping (default: the server’s address in the tunnel)')
    .option('--device <name>', 'name of the TUN device', 'sstpc0')
    .addOption(
      new Option(
        '--route <network>',
        'route this network, IPv4 or IPv6, or default, into the tunnel; may be given again',
      )
        .argParser((network: string, before: string[]) => [...before, network])
        .default([], 'none'),
    )
    .option('--json', 'report as one JSON object, also when it fails')
    .addHelpText('after', NOTES)
    .action(async (url: string, flags: ConnectFlags) => {
      const { connect } = await import('./connect-run.ts');
      await connect(url, flags);
    });
}

const NOTES = `
Trust: the certificate must come from a known authority (the system's, or --ca) and be valid for the host in the URL.
--certificate-sha256 takes the place of both, for self-signed certificates; the fingerprint is what
  openssl x509 -in cert.pem -noout -fingerprint -sha256
prints. Of the methods, mschapv2 and eap (which is EAP-MSCHAPv2) also prove the server to the client, whatever its
certificate; pap hands the password to the server, protected by TLS alone.

IPv6: with --ipv6 the device gets the link-local address that the server agrees to and, when the server advertises a
prefix, an address of it. default means IPv4; for IPv6 it is ::/0.

Routes: without --route only the server's own address in the tunnel is reached through it. A route that also covers the
server's outer address, such as default, is safe: the way to the server is kept. All routes go with the tunnel.

The first Ctrl-C or SIGTERM ends the tunnel in good order, the second one at once.

Examples:
  $ sstp-gateway connect --check --ca cert.pem -u demo -p secret https://localhost:8443
  $ sudo sstp-gateway connect -u alice --password-file pw --route 10.0.0.0/8 https://vpn.example.org
  $ sstp-gateway connect --check --proxy http://me:pw@proxy:3128 -u alice --password-file pw https://vpn.example.org

Exit code: 0 ended as asked, 1 the tunnel did not come up or was lost, 2 usage.`;
