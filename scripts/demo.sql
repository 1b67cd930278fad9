CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  name VARCHAR(40) NOT NULL,
  team VARCHAR(20),
  age INTEGER,
  joined TEXT
);
INSERT INTO people VALUES
  (1, 'Ada Lovelace', 'engines', 36, '2024-01-10T09:00:00.000Z'),
  (2, 'Grace Hopper', 'compilers', 79, '2024-02-03T09:00:00.000Z'),
  (3, 'Alan Turing', 'theory', 41, '2024-02-17T09:00:00.000Z'),
  (4, 'Barbara Liskov', 'types', 84, '2024-03-08T09:00:00.000Z'),
  (5, 'Edsger Dijkstra', 'theory', 72, '2024-04-22T09:00:00.000Z'),
  (6, 'Margaret Hamilton', 'flight', 87, '2024-05-30T09:00:00.000Z'),
  (7, 'Tony Hoare', 'theory', NULL, '2024-06-11T09:00:00.000Z');
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  person_id INTEGER REFERENCES people (id),
  item TEXT NOT NULL,
  price DECIMAL(10, 2)
);
INSERT INTO orders VALUES
  (1, 1, 'punched cards', 12.50), (2, 1, 'brass gears', 240), (3, 2, 'nanosecond of wire', 0.99),
  (4, 6, 'core rope', 1201.00), (5, 3, 'infinite tape', NULL);
