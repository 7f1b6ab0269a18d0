import { trans } from '../../ui/locale';
import type { ISchema } from '../document/schema';

/** An error of the schema validator. */
export interface ISettingError {
  /** The keyword of the schema. */
  name?: string;
  message?: string;
  params?: Record<string, unknown>;
  /** Of the keyword, such as `#/properties/share/maximum`. */
  schemaPath?: string;
}

/** Returns the message for an invalid setting; that of the validator if there is no translation. */
export function settingErrorText(
  error: ISettingError,
  schema: ISchema
): string {
  const { name, message, params = {}, schemaPath = '' } = error;
  switch (name) {
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return rangeText(schemaAt(schema, schemaPath));
    case 'type':
      return typeText([params.type].flat()[0]) ?? message ?? '';
    case 'enum':
      return trans.__('Choose one of the listed values');
    case 'required':
      return trans.__('Required');
    default:
      return message ?? '';
  }
}

/** The schema that has a keyword with a path such as `#/properties/share/maximum`. */
function schemaAt(schema: ISchema, path: string): ISchema {
  const keys = path.split('/').slice(1, -1);
  return keys.reduce(
    (part, key) => (part as Record<string, ISchema>)[key] ?? {},
    schema
  );
}

/** The values that the bounds of a setting allow. */
function rangeText({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum
}: ISchema): string {
  const isAbove = exclusiveMinimum !== undefined;
  const isBelow = exclusiveMaximum !== undefined;
  const low = exclusiveMinimum ?? minimum;
  const high = exclusiveMaximum ?? maximum;
  if (high === undefined) {
    return isAbove
      ? trans.__('Must be greater than %1', low)
      : trans.__('Must be at least %1', low);
  }
  if (low === undefined) {
    return isBelow
      ? trans.__('Must be less than %1', high)
      : trans.__('Must be at most %1', high);
  }
  if (isAbove) {
    return isBelow
      ? trans.__('Must be greater than %1 and less than %2', low, high)
      : trans.__('Must be greater than %1 and at most %2', low, high);
  }
  return isBelow
    ? trans.__('Must be at least %1 and less than %2', low, high)
    : trans.__('Must be between %1 and %2', low, high);
}

function typeText(type: unknown): string | undefined {
  switch (type) {
    case 'integer':
      return trans.__('Must be an integer');
    case 'number':
      return trans.__('Must be a number');
    case 'string':
      return trans.__('Must be text');
    case 'boolean':
      return trans.__('Must be true or false');
    case 'array':
      return trans.__('Must be a list');
    default:
      return undefined;
  }
}
