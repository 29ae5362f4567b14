import { type Check, deny } from '../decision.js';

/** A call that spends names a model, and the gateway serves it. */
export const modelIsKnown: Check = ({ request, route }) => {
  if (!request || !route.callsModel || request.problem) return deny(undefined);
  const { model } = request;
  if (!model)
    return deny({ code: 'model_missing', message: "Missing required parameter: 'model'.", param: 'model' });
  return deny(
    model.known
      ? undefined
      : {
          code: 'model_unknown',
          message: `Invalid model name passed in model=${model.requested}. Call \`/v1/models\` to view available models for your key.`,
          param: 'model',
        },
  );
};
