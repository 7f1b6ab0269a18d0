import type { Value } from './values';

type TypeName =
  'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';

/** The keywords of JSON Schema that the settings of components and notebooks use. */
export interface ISchema {
  type?: TypeName | TypeName[];
  title?: string;
  description?: string;
  default?: Value;
  enum?: Value[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, ISchema>;
  required?: string[];
  items?: ISchema;
  anyOf?: ISchema[];
  /** Titles of `enum`, in its order. */
  'x-labels'?: string[];
  /** The same, under the name that the form library reads. */
  enumNames?: string[];
  /** Value for a new node; nodes without a value in the file use `default`, which is older. */
  'x-new'?: Value;
  /** Values of other settings with which this setting has an effect. */
  'x-applies-to'?: Record<string, Value[]>;
  /** The input table whose columns it names; `required` if they have to exist. */
  'x-columns'?: {
    port: string;
    required: boolean;
    /** An empty setting means the column with this role. */
    role?: 'target' | 'group' | 'time';
  };
  /** The input table whose columns an expression, or each of a list, names. */
  'x-expression'?: { port: string; condition: boolean; functions: string[] };
  /** Items are `column=value`; without choices, a value is any text. */
  'x-pairs'?: {
    port: string;
    required: boolean;
    title: string;
    choices: string[];
    /** Titles of the choices. */
    labels?: string[];
    initial: string;
    /** Values are kinds or roles of a source's columns. */
    about?: 'kind' | 'role';
  };
  /** The settings whose items are rules that this list names. */
  'x-rules'?: string[];
}
