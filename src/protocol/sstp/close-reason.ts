/** Why an SSTP call ended. The first reason of a call wins; later ones (an answered Abort, a closing timer) do not replace it. */
export type CloseReason =
  /** A Call Disconnect of the peer. */
  | 'peer-disconnect'
  /** A Call Abort of the peer. */
  | 'peer-abort'
  /** `disconnect()` was called. */
  | 'local-disconnect'
  /** The HTTPS connection went away below the call, or was given up because the stream could not be delineated. */
  | 'connection-lost'
  /** No Call Connect Request, Call Connect Ack or Call Connected within the negotiation time. */
  | 'negotiation-timeout'
  /** Nothing arrived for a Hello interval, and nothing after the Echo Request for another one. */
  | 'hello-timeout'
  /** One more refused Call Connect Request (server) or Call Connect Nak (client) than allowed. */
  | 'nak-limit'
  /** A well-formed message that the state does not allow. */
  | 'unexpected-message'
  /** A control message of unknown type or broken structure. */
  | 'invalid-message'
  /** Client: a Call Connect Ack without a well-formed Crypto Binding Request. */
  | 'ack-malformed'
  /** Client: the server offers no hash protocol that this side accepts. */
  | 'no-common-hash'
  /** Server: a Call Connected that is not exactly one well-formed Crypto Binding. */
  | 'binding-malformed'
  | BindingFault;

/** What a Crypto Binding differs in. Told to the operator only: the peer sees one and the same abort for each of them. */
export type BindingFault =
  | 'binding-hash-protocol'
  | 'binding-nonce'
  | 'binding-certificate'
  | 'binding-padding'
  | 'binding-mac';
