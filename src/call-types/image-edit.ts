import type { CallType } from './call-type.js';
import { imageGeneration } from './image-generation.js';

export const imageEdit: CallType = {
  ...imageGeneration,
  callType: 'image_edit',
  path: '/images/edits',
  isForm: true,
};
