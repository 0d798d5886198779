-- Phones that claim by listing (SMSGate's app, CHT Gateway) take each job off their list by the first
-- thing they say of it.
ALTER TABLE recipients ADD COLUMN acknowledged_offer INTEGER;  -- the offer number its phone said it has
