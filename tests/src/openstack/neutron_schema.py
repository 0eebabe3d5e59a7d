"""Makes Neutron's tables from its own models, which takes seconds where the chain of migrations takes half a minute."""
import sys

import sqlalchemy
from neutron.db.migration.models import head

head.get_metadata().create_all(sqlalchemy.create_engine(sys.argv[1]))
