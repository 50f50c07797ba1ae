-- Of what a row holds at the version of our own write, only what that write sent may differ without
-- being somebody's edit.

ALTER TABLE replica_state ADD COLUMN written text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN replica_state.written IS 'Fields that our own write sent that made this version; none, where it is somebody else''s.';

-- A poll meets a row at the version of our own write, and has yet to tell what it holds.

ALTER TABLE replica_state ADD COLUMN is_captured boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN replica_state.is_captured IS 'Whether a capture has told of this version; false where only the answer to our own write did.';

-- Between a call and the note of its answer nobody knows what the row holds.

ALTER TABLE replica_state ADD COLUMN doubted jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN replica_state.doubted IS 'Fields that a call was begun with and no answer was noted of, each with the delivery that was last: what is known of them is not believed.';
