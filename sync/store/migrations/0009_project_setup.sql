-- What is owed or was refused of one record, found without reading what was delivered.

CREATE INDEX delivery_unsettled ON delivery (entity, record_id, target) WHERE state <> 'delivered';
