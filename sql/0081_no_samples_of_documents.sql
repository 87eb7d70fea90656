-- No query asks which documents are frequent, and to read a sample of them takes most of the time of `analyze`.
alter table stage.candidates alter column document set statistics 0;
alter table stage.contacts alter column document set statistics 0;
alter table mart.changes alter column before set statistics 0;
alter table mart.changes alter column after set statistics 0;
