import { type Check, deny } from '../decision.js';
import type { ModelFacts } from '../facts.js';
import { someOf } from '../some-of.js';

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
          message: `Invalid model name passed in model=${model.requested}. ${whatToWrite(model)}`,
          param: 'model',
        },
  );
};

const whatToWrite = ({ publicNames }: ModelFacts) =>
  publicNames?.length
    ? `That is the provider's name of a model. Write the name that it has here: ${someOf(publicNames)}.`
    : 'Call `/v1/models` to view available models for your key.';
