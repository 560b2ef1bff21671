import {
  DeliveriesPage,
  DeliveriesQuery,
  DeviceRemoved,
  DevicesPage,
  DevicesQuery,
  DeviceTokenRegistered,
  DeviceView,
  PatchDevice,
  Receipts,
  ReceiptsTaken,
  RegisterDevice,
  RegisterDeviceToken,
  TestPushed,
} from '../devices.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { SessionParams } from '../queries.ts';

const one = { auth: true, params: SessionParams, path: '/api/devices/{id}' } as const;
const exampleParams = { id: '$DEVICE' };
const exampleToken = '00c5a2f16c7d4e8b9a3f5d2e1c0b7a6958473625140f9e8d7c6b5a4938271605';
const registering = [...bodyErrors, 'too-many-devices', 'disk-full'] as const;

/** Devices that want pushes. */
export const deviceEndpoints = {
  registerDevice: endpoint({
    method: 'POST',
    path: '/api/devices',
    summary: 'Register a device for pushes, or bring its row up to date',
    auth: true,
    body: RegisterDevice,
    responses: { 200: DeviceView, 201: DeviceView },
    errors: registering,
    example: { body: { token: exampleToken, platform: 'ios', environment: 'sandbox', name: 'My phone', appVersion: '1.4.0' } },
  }),
  registerDeviceToken: endpoint({
    method: 'POST',
    path: '/api/register-device',
    summary: 'The same, as the published companion app asks for it',
    auth: true,
    body: RegisterDeviceToken,
    responses: { 200: DeviceTokenRegistered },
    errors: registering,
    example: { body: { deviceToken: exampleToken, deviceType: 'ios', appVersion: '1.4.0' } },
  }),
  devices: endpoint({
    method: 'GET',
    path: '/api/devices',
    summary: 'Devices, the latest first, with how their pushes fare',
    auth: true,
    query: DevicesQuery,
    responses: { 200: DevicesPage },
    errors: ['validation-failed'],
    example: { query: '?limit=20' },
  }),
  device: endpoint({
    ...one,
    method: 'GET',
    summary: 'One device',
    responses: { 200: DeviceView },
    errors: ['device-not-found'],
    example: { params: exampleParams },
  }),
  patchDevice: endpoint({
    ...one,
    method: 'PATCH',
    summary: 'Rename it, and say what it wants to be told',
    body: PatchDevice,
    responses: { 200: DeviceView },
    errors: [...bodyErrors, 'device-not-found', 'session-not-found', 'disk-full'],
    example: {
      params: exampleParams,
      body: { preferences: { level: 'needs-me', quietHours: { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' } } },
    },
  }),
  deleteDevice: endpoint({
    ...one,
    method: 'DELETE',
    summary: 'Remove it: it gets no more pushes',
    responses: { 200: DeviceRemoved },
    errors: ['device-not-found', 'disk-full'],
    example: { params: exampleParams },
  }),
  testDevice: endpoint({
    ...one,
    method: 'POST',
    path: '/api/devices/{id}/test',
    summary: 'Send it a test push, whatever it wants to be told',
    responses: { 202: TestPushed },
    errors: ['device-not-found', 'device-unregistered', 'push-not-set-up', 'disk-full'],
    example: { params: exampleParams },
  }),
  deliveries: endpoint({
    ...one,
    method: 'GET',
    path: '/api/devices/{id}/deliveries',
    summary: 'Its pushes, the latest first, with what became of each',
    query: DeliveriesQuery,
    responses: { 200: DeliveriesPage },
    errors: ['validation-failed', 'device-not-found'],
    example: { params: exampleParams, query: '?limit=20' },
  }),
  receipts: endpoint({
    ...one,
    method: 'POST',
    path: '/api/devices/{id}/receipts',
    summary: 'Say which pushes it got, and which were opened',
    body: Receipts,
    responses: { 200: ReceiptsTaken },
    errors: [...bodyErrors, 'device-not-found', 'disk-full'],
    example: { params: exampleParams, body: { pushes: [{ id: '$PUSH', openedAt: '2026-01-01T00:00:00.000Z' }] } },
  }),
};
