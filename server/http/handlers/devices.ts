import type { ApiHandlers } from '../../contracts/registry.ts';
import type { Api, RequestContext } from '../context.ts';

type Names =
  | 'registerDevice'
  | 'registerDeviceToken'
  | 'devices'
  | 'device'
  | 'patchDevice'
  | 'deleteDevice'
  | 'testDevice'
  | 'deliveries'
  | 'receipts';

/** Devices that want pushes. */
export function deviceHandlers({ devices }: Api): Pick<ApiHandlers<RequestContext>, Names> {
  return {
    registerDevice: async ({ body }, { owner }) => {
      const { device, created } = devices.register(owner, body);
      return created ? { status: 201, body: device, headers: { Location: `/api/devices/${device.id}` } } : { status: 200, body: device };
    },
    registerDeviceToken: async ({ body: { deviceToken, deviceType, appVersion } }, { owner }) => {
      devices.register(owner, { token: deviceToken, appVersion, ...(deviceType ? { platform: deviceType } : {}) });
      return { status: 200, body: { success: true, message: 'This device is registered.' } };
    },
    devices: async ({ query }, { owner }) => ({ status: 200, body: devices.list(owner, query) }),
    device: async ({ params }, { owner }) => ({ status: 200, body: devices.view(owner, params.id) }),
    patchDevice: async ({ params, body }, { owner }) => ({ status: 200, body: devices.patch(owner, params.id, body) }),
    deleteDevice: async ({ params }, { owner }) => {
      devices.remove(owner, params.id);
      return { status: 200, body: { success: true, id: params.id } };
    },
    testDevice: async ({ params }, { owner }) => ({
      status: 202,
      body: { success: true, id: params.id, ...devices.test(owner, params.id) },
    }),
    deliveries: async ({ params, query }, { owner }) => ({ status: 200, body: devices.deliveries(owner, params.id, query) }),
    receipts: async ({ params, body }, { owner }) => ({
      status: 200,
      body: { success: true, ...devices.receipts(owner, params.id, body) },
    }),
  };
}
