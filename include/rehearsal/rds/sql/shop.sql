-- What a shop's database holds: tables that belong together, a trigger, a view, a procedure and events.
CREATE TABLE customers (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email varchar(190) NOT NULL UNIQUE,
  name varchar(100) NOT NULL,
  created_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6));

CREATE TABLE products (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  title varchar(200) NOT NULL,
  price decimal(12, 2) NOT NULL,
  details json,
  updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);

CREATE TABLE orders (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id bigint unsigned NOT NULL,
  status enum('new', 'paid', 'shipped', 'cancelled') NOT NULL DEFAULT 'new',
  note text,
  created_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY orders_by_customer (customer_id),
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id));

CREATE TABLE order_lines (
  order_id bigint unsigned NOT NULL,
  line int unsigned NOT NULL,
  product_id bigint unsigned NOT NULL,
  quantity int unsigned NOT NULL,
  price decimal(12, 2) NOT NULL,
  PRIMARY KEY (order_id, line),
  CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  CONSTRAINT lines_product FOREIGN KEY (product_id) REFERENCES products (id));

CREATE TABLE payments (
  id binary(16) NOT NULL PRIMARY KEY,
  order_id bigint unsigned NOT NULL,
  amount decimal(12, 2) NOT NULL,
  paid_at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES orders (id));

CREATE TABLE audit (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  what varchar(100) NOT NULL,
  at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6));

CREATE TABLE daily_sales (
  day date NOT NULL PRIMARY KEY,
  orders int unsigned NOT NULL,
  amount decimal(14, 2) NOT NULL);

INSERT INTO customers (email, name)
  WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)
  SELECT CONCAT('customer', n, '@example.com'), CONCAT('Customer ', n) FROM numbers;

INSERT INTO products (title, price, details)
  WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100)
  SELECT CONCAT('Product ', n), 0.99 + n, JSON_OBJECT('weight', n * 10, 'colour', ELT(1 + n % 3, 'red', '青', 'green')) FROM numbers;

INSERT INTO orders (customer_id, status)
  WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
  SELECT 1 + n % 500, ELT(1 + n % 4, 'new', 'paid', 'shipped', 'cancelled') FROM numbers;

INSERT INTO order_lines (order_id, line, product_id, quantity, price)
  SELECT o.id, 1, 1 + o.id % 100, 1 + o.id % 5, p.price FROM orders o JOIN products p ON p.id = 1 + o.id % 100;

INSERT INTO payments (id, order_id, amount)
  SELECT UNHEX(LEFT(SHA2(o.id, 256), 32)), o.id, l.price * l.quantity FROM orders o JOIN order_lines l ON l.order_id = o.id
  WHERE o.status IN ('paid', 'shipped');

CREATE VIEW open_orders AS SELECT id, customer_id, created_at FROM orders WHERE status IN ('new', 'paid');

DELIMITER //
CREATE TRIGGER orders_audited AFTER DELETE ON orders FOR EACH ROW
  INSERT INTO audit (what) VALUES (CONCAT('order ', OLD.id, ' deleted'))//

CREATE PROCEDURE sum_up(IN wanted date)
  REPLACE INTO daily_sales
  SELECT wanted, COUNT(*), COALESCE(SUM(amount), 0) FROM payments WHERE DATE(paid_at) = wanted//

CREATE EVENT sum_up_sales ON SCHEDULE EVERY 1 DAY STARTS CURRENT_TIMESTAMP + INTERVAL 1 DAY DO
  CALL sum_up(CURRENT_DATE - INTERVAL 1 DAY)//

CREATE EVENT forget_audit ON SCHEDULE EVERY 1 HOUR STARTS CURRENT_TIMESTAMP + INTERVAL 1 HOUR DO
  DELETE FROM audit WHERE at < CURRENT_TIMESTAMP - INTERVAL 90 DAY//
DELIMITER ;
