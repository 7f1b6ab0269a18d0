import { readdirSync, readFileSync } from 'fs';
import { dirname, join } from 'path';
import * as ts from 'typescript';
import { expect, it } from 'vitest';

const SOURCE = dirname(__dirname);

/** The calls of `addCommand` of a registry of commands. */
function registrations(path: string): ts.CallExpression[] {
  const text = readFileSync(join(SOURCE, path), 'utf8');
  const calls: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isCallExpression(node) &&
      /commands\.addCommand$/.test(node.expression.getText())
    ) {
      calls.push(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return calls;
}

it('every command describes its arguments', () => {
  const calls = (readdirSync(SOURCE, { recursive: true }) as string[])
    .filter(path => /^(?!__tests__).*(?<!\.spec)\.tsx?$/.test(path))
    .flatMap(registrations);
  expect(calls.length).toBeGreaterThan(25);
  const without = calls.filter(({ arguments: [, options] }) =>
    ts.isObjectLiteralExpression(options)
      ? !options.properties.some(one => one.name?.getText() === 'describedBy')
      : true
  );
  expect(without.map(call => call.arguments[0].getText())).toEqual([]);
});
