import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

/** A structured logger that never prints credentials. */
export function makeLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact: {
      paths: [
        'token',
        'authorization',
        'headers.authorization',
        'req.headers.authorization',
        '*.token',
        '*.authorization',
        '*.deviceToken',
        'deviceToken',
      ],
      censor: '[redacted]',
    },
    serializers: { error: pino.stdSerializers.err },
  };
  return destination ? pino(options, destination) : pino(options);
}
