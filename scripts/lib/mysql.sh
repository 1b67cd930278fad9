mysql_up() { :; }
mysql_down() { :; }
