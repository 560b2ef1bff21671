/** Every reason that Apple documents for device pushes, with the status that comes with it. */
export const reasonStatus = {
  BadCollapseId: 400,
  BadDeviceToken: 400,
  BadExpirationDate: 400,
  BadMessageId: 400,
  BadPriority: 400,
  BadTopic: 400,
  DeviceTokenNotForTopic: 400,
  DuplicateHeaders: 400,
  IdleTimeout: 400,
  InvalidPushType: 400,
  MissingDeviceToken: 400,
  MissingTopic: 400,
  PayloadEmpty: 400,
  TopicDisallowed: 400,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
} as const;

export type Reason = keyof typeof reasonStatus;

/** An answer that is no 200. */
export interface Refusal {
  status: number;
  /** One of Apple's, or what a script says. */
  reason: string;
  /** For whoever looks at the sandbox; it is not sent. */
  why: string;
  /** Milliseconds since 1970; sent with 410. */
  timestamp?: number;
  /** Seconds or an HTTP date; sent as Retry-After. */
  retryAfter?: string;
}

/** A refusal by one of Apple's rules. */
export function refuse(reason: Reason, why: string): Refusal {
  return { status: reasonStatus[reason], reason, why };
}

/** Whether a text is one of Apple's reasons. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasonStatus, text);
}
