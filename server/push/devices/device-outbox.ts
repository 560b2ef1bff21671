import type { LoggedDelivery } from '../../storage/deliveries-table.ts';
import type { DeviceRow } from '../../storage/devices-table.ts';

/** What a device says about a push that it got; times are milliseconds since 1970. */
export interface Receipt {
  /** The push's id, as its payload carries it. */
  id: string;
  receivedAt: number | null;
  openedAt: number | null;
}

/** What devices need of the outbox. */
export interface DeviceOutbox {
  /** Whether pushes can be sent. */
  readonly isSetUp: boolean;
  /** Puts a test push for this device into the outbox, whatever the device wants. Throws `push-not-set-up`. */
  enqueueTest: (device: DeviceRow) => { pushId: string };
  /** A device's part of the delivery log below a number, the latest first. */
  deliveries: (device: DeviceRow, before: number, limit: number) => LoggedDelivery[];
  /** Writes into the delivery log what a device says of its own pushes; those of others are unknown to it. */
  recordReceipts: (device: DeviceRow, receipts: readonly Receipt[]) => { recorded: number; unknown: number };
}
