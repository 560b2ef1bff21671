import type { ApiHandlers } from '../../contracts/registry.ts';
import type { Api, RequestContext } from '../context.ts';

type Names = 'registerActivity' | 'activities' | 'deleteActivity';

/** Live activities on devices. */
export function activityHandlers({ activities }: Api): Pick<ApiHandlers<RequestContext>, Names> {
  return {
    registerActivity: async ({ params, body }, { owner }) => {
      const { activity, created } = activities.register(owner, params.id, body);
      const location = `/api/devices/${params.id}/activities/${activity.id}`;
      return created ? { status: 201, body: activity, headers: { Location: location } } : { status: 200, body: activity };
    },
    activities: async ({ params }, { owner }) => ({ status: 200, body: activities.list(owner, params.id) }),
    deleteActivity: async ({ params }, { owner }) => ({
      status: 200,
      body: { success: true, id: activities.remove(owner, params.id, params.activityId) },
    }),
  };
}
