import { ActivitiesView, ActivityRemoved, ActivityView, RegisterActivity } from '../activities.ts';
import { bodyErrors, endpoint } from '../endpoint.ts';
import { ActivityParams, SessionParams } from '../queries.ts';

const ofDevice = { auth: true, params: SessionParams, path: '/api/devices/{id}/activities' } as const;
const exampleParams = { id: '$DEVICE' };
const exampleToken = `80${'4f1c9ae2b7d35061'.repeat(9)}7a`;

/** Live activities on a device's lock screen. */
export const activityEndpoints = {
  registerActivity: endpoint({
    ...ofDevice,
    method: 'POST',
    summary: 'Keep a live activity of a session up to date, or bring its token up to date',
    body: RegisterActivity,
    responses: { 200: ActivityView, 201: ActivityView },
    errors: [...bodyErrors, 'device-not-found', 'session-not-found', 'session-archived', 'device-unregistered', 'disk-full'],
    example: {
      params: exampleParams,
      body: {
        sessionId: '00000000-0000-4000-8000-000000000001',
        token: exampleToken,
        activityId: 'B1C64D1F-0E5A-4C3B-9D5E-6F2A7C8B9D10',
      },
    },
  }),
  activities: endpoint({
    ...ofDevice,
    method: 'GET',
    summary: 'Live activities of a device, the latest first, with what they show',
    responses: { 200: ActivitiesView },
    errors: ['device-not-found'],
    example: { params: exampleParams },
  }),
  deleteActivity: endpoint({
    ...ofDevice,
    method: 'DELETE',
    path: '/api/devices/{id}/activities/{activityId}',
    params: ActivityParams,
    summary: 'End a live activity, by its id or by that of the app',
    responses: { 200: ActivityRemoved },
    errors: ['device-not-found', 'activity-not-found', 'disk-full'],
    example: { params: { ...exampleParams, activityId: '$ACTIVITY' } },
  }),
};
