// Preloaded into a gateway (`NODE_OPTIONS=--import=…`). Writes each statement that SQLite runs to the file STATEMENTS.
import { appendFileSync } from 'node:fs';
import Libsql from 'libsql';

const note = (sql) => appendFileSync(process.env.STATEMENTS, `${sql.replaceAll(/\s+/g, ' ')}\n`);

const { prepare, exec } = Libsql.prototype;

Libsql.prototype.exec = function (sql) {
  note(sql);
  return exec.call(this, sql);
};

Libsql.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  for (const name of ['run', 'get', 'iterate']) {
    const own = statement[name];
    statement[name] = (...values) => {
      note(sql);
      return own.apply(statement, values);
    };
  }
  return statement;
};
