import { bundleIdOf, type PushHeaders } from './push-headers.ts';
import { refuse, type Refusal } from './reasons.ts';

/** What the service knows about an app on a phone. */
export interface Device {
  /** The app's bundle id. */
  topic: string;
  /** Since when the app is gone from it, in milliseconds since 1970. */
  unregisteredAt?: number;
}

const MOST_DEVICES = 50_000;
/** Apple's tokens have 32 bytes, those of live activities more; none may be counted on. */
const TOKEN = /^(?:[0-9a-f]{2}){32,200}$/i;

/** The device tokens that are known. One that was never seen is taken for good, and belongs to the topic of its first push. */
export class Devices {
  readonly #devices = new Map<string, Device>();
  readonly #topics: readonly string[] | null;

  /** `topics`: bundle ids of the account's apps; null for any. */
  constructor(topics: readonly string[] | null) {
    this.#topics = topics;
  }

  /** Says what a token is: also whether its app is gone. */
  set(token: string, device: Device): void {
    const key = token.toLowerCase();
    // Behind the others: the ones that nobody has named for longest are forgotten first.
    this.#devices.delete(key);
    this.#devices.set(key, device);
    const [oldest] = this.#devices.size > MOST_DEVICES ? this.#devices.keys() : [];
    if (oldest !== undefined) this.#devices.delete(oldest);
  }

  /** Looks at the token of a push; null where there is nothing wrong. */
  check(token: string, headers: PushHeaders): Refusal | null {
    if (!TOKEN.test(token)) return refuse('BadDeviceToken', 'The device token is not 32 bytes or more in hexadecimal digits.');
    const topic = bundleIdOf(headers);
    if (this.#topics !== null && !this.#topics.includes(topic)) return refuse('TopicDisallowed', `The account has no app ${topic}.`);
    const device = this.#devices.get(token.toLowerCase());
    if (device === undefined) {
      this.set(token, { topic });
      return null;
    }
    if (device.topic !== topic) return refuse('DeviceTokenNotForTopic', `The token is one of ${device.topic}.`);
    if (device.unregisteredAt === undefined) return null;
    return { ...refuse('Unregistered', 'The app is gone from this phone.'), timestamp: device.unregisteredAt };
  }
}
