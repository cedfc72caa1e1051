/** The contract cases of every operator, family by family. */
import { answerCases } from "./operators/answer.cases.js";
import type { OperatorCase } from "./operators/case.js";
import { columnsCases } from "./operators/columns.cases.js";
import { combineCases } from "./operators/combine.cases.js";
import { discretizeCases } from "./operators/discretize.cases.js";
import { encodeCases } from "./operators/encode.cases.js";
import { expandCases } from "./operators/expand.cases.js";
import { imputeCases } from "./operators/impute.cases.js";
import { mapValuesCases } from "./operators/map-values.cases.js";
import { ownCases } from "./operators/own.cases.js";
import { scaleCases } from "./operators/scale.cases.js";
import { textCases } from "./operators/text.cases.js";

export type { OperatorCase } from "./operators/case.js";

export const operatorCases: readonly OperatorCase[] = [
  ...imputeCases,
  ...scaleCases,
  ...discretizeCases,
  ...encodeCases,
  ...expandCases,
  ...mapValuesCases,
  ...textCases,
  ...ownCases,
  ...columnsCases,
  ...answerCases,
  ...combineCases,
];
