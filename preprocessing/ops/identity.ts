/** The model's output as it is: regression with the identity link. */
import { closedObject } from "../closed-schema.js";
import { defineOperator } from "../operator.js";

export const identity = defineOperator(closedObject({}), (columns) => ({ columns }));
