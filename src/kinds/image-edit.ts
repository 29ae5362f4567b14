import type { CallKind } from './call-kind.js';
import { imageGeneration } from './image-generation.js';

export const imageEdit: CallKind = {
  ...imageGeneration,
  callType: 'image_edit',
  path: '/images/edits',
  isForm: true,
};
