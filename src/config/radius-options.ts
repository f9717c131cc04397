/** What the configuration says about RADIUS. Plain data; times in milliseconds. */

export interface RadiusServerOptions {
  /** An address of either family, or a DNS name. */
  readonly host: string;
  readonly authPort: number;
  readonly acctPort: number;
  readonly secret: Uint8Array;
  /** The lowest is asked first; equals in their order. */
  readonly priority: number;
  /** Requests that may wait for this server's answer at a time; more go to the next server, or wait here. */
  readonly requestLimit: number;
  /** For how long a server that has not answered is passed over. */
  readonly deadTimeMs: number;
  /** Whether replies without Message-Authenticator are dropped. Those with EAP need one in any case (RFC 3579 3.1). */
  readonly requireMessageAuthenticator: boolean;
}

export interface RadiusOptions {
  /** At least one. */
  readonly servers: readonly RadiusServerOptions[];
  /** Sent in every request, and what a CoA-Request has to name if it names anything. */
  readonly nasIdentifier: string;
  readonly nasIpAddress?: number | undefined;
  readonly nasIpv6Address?: bigint | undefined;
  /** From a request to its first repetition; each further pause is twice as long (RFC 5080 2.2.1). */
  readonly timeoutMs: number;
  /** Repetitions to one server before the next one is asked. */
  readonly retries: number;
  /** For one step of an authentication, all servers together. */
  readonly authBudgetMs: number;
  /** Between two Interim-Updates, unless the server says otherwise; undefined for none. */
  readonly interimMs?: number | undefined;
  /** The part of the interval, 0 to 1, by which an Interim-Update may come earlier or later. */
  readonly interimJitter: number;
  /** Appended as `@realm` to names without realm and domain. */
  readonly defaultRealm?: string | undefined;
  /** Whether `DOMAIN\` and `@realm` are taken off a name before it is sent. */
  readonly stripRealm: boolean;
  /** Kilobits per second in one unit of a rate in Filter-Id. */
  readonly filterIdRateMultiplier: number;
  /** Called-Station-Id: the name by which the client called the gateway, or the gateway's address. */
  readonly calledStationId: 'server-name' | 'address';
  readonly dynamicAuthorization?: DynamicAuthorizationOptions | undefined;
}

export interface DynamicAuthorizationOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Who may send requests; `address` is textual. */
  readonly clients: readonly { readonly address: string; readonly secret: Uint8Array }[];
  readonly requireMessageAuthenticator: boolean;
}
