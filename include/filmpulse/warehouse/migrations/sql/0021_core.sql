-- What a person says that a text judges (docs/labelling.md). The text itself is not kept here: labels are
-- erased with their review.
CREATE TABLE core.audits (
    auditor      text NOT NULL CHECK (length(auditor) BETWEEN 1 AND 80 AND auditor !~ '^\s|\s$'),
    source       text NOT NULL,
    review_id    text NOT NULL,
    content_hash text NOT NULL,
    overall      smallint NOT NULL CHECK (overall BETWEEN -2 AND 2),
    shown_analyser_id integer REFERENCES core.analysers,
    noted_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, review_id, content_hash, auditor),
    FOREIGN KEY (source, review_id) REFERENCES core.reviews ON DELETE CASCADE
);
COMMENT ON TABLE core.audits IS 'One row per text of a review that a person labelled, to check analysers (`filmpulse audit`).';
COMMENT ON COLUMN core.audits.auditor IS 'The person, as they named themselves first; case makes no other person.';
COMMENT ON COLUMN core.audits.source IS 'Where the review stands.';
COMMENT ON COLUMN core.audits.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.audits.content_hash IS 'Which text of it was read.';
COMMENT ON COLUMN core.audits.overall IS 'The whole review, -2 very negative to 2 very positive.';
COMMENT ON COLUMN core.audits.shown_analyser_id IS 'Whose scores stood beside the text.';
COMMENT ON COLUMN core.audits.noted_at IS 'When the labels were last read in (UTC).';

CREATE TABLE core.audit_labels (
    auditor      text NOT NULL,
    source       text NOT NULL,
    review_id    text NOT NULL,
    content_hash text NOT NULL,
    aspect       text NOT NULL
        CHECK (aspect IN ('storytelling', 'acting', 'visuals', 'sound', 'themes')),
    score        smallint NOT NULL CHECK (score BETWEEN -2 AND 2),
    PRIMARY KEY (source, review_id, content_hash, auditor, aspect),
    FOREIGN KEY (source, review_id, content_hash, auditor)
        REFERENCES core.audits ON DELETE CASCADE
);
COMMENT ON TABLE core.audit_labels IS 'What a person says that a text says of each aspect; no row = the text does not judge the aspect.';
COMMENT ON COLUMN core.audit_labels.auditor IS 'The person.';
COMMENT ON COLUMN core.audit_labels.source IS 'Where the review stands.';
COMMENT ON COLUMN core.audit_labels.review_id IS 'The site''s own id.';
COMMENT ON COLUMN core.audit_labels.content_hash IS 'Which text of it was read.';
COMMENT ON COLUMN core.audit_labels.aspect IS 'storytelling, acting, visuals, sound or themes.';
COMMENT ON COLUMN core.audit_labels.score IS '-2 very negative to 2 very positive.';
