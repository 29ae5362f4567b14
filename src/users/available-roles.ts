import type { AvailableRoles } from './users.dto.js';

/** The roles of `/user/new`, with their descriptions for people. */
export const AVAILABLE_ROLES: AvailableRoles = {
  proxy_admin: { description: 'Sees and changes everything', ui_label: 'Admin (All Permissions)' },
  proxy_admin_viewer: { description: 'Sees everything, changes nothing', ui_label: 'Admin (View Only)' },
  internal_user: {
    description: 'Makes, sees and deletes keys of its own, and sees what they spent',
    ui_label: 'Internal User (Create/Delete/View)',
  },
  internal_user_viewer: {
    description: 'Sees its own keys and what they spent',
    ui_label: 'Internal Viewer (View Only)',
  },
};
