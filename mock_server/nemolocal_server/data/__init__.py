"""What a server stores: the database, the data folder, and one repository for each table."""
